#!/usr/bin/env python3
"""Writes what jieba 0.42.1 makes of many texts, for the tests: one JSON array of tokens a line (joined, they are the text).

    "$DIR/bin/python" runtime/features/jieba/gen/corpus.py                        # ../testdata/lcut.jsonl.gz
    "$DIR/bin/python" runtime/features/jieba/gen/corpus.py 200000 7 big.jsonl.gz  # count, seed, file
"""

import gzip
import json
import logging
import os
import random
import sys

import jieba

# Sentences as they are searched for and reported, and one for each rule; "|" stands between them, "¶" for the line's end.
SENTENCES = """\
|人工智能|人工智能技术介绍|artificial intelligence|AI technology introduction|deep learning|DL introduction¶
机器学习入门教程，从零开始学Python|深度学习在自然语言处理中的应用|他来到了网易杭研大厦|我来到北京清华大学¶
小明硕士毕业于中国科学院计算所，后在日本京都大学深造|乒乓球拍卖完了|南京市长江大桥昨日通车|研究生命的起源¶
北京时间11月20日，国家统计局发布数据显示，前三季度国内生产总值同比增长5.2%|今日沪指报3,215.67点，涨0.83%¶
iPhone 15 Pro Max 256GB 多少钱|华为Mate60和小米14哪个好|如何在Windows 11上安装CUDA 12.4？|C++和C#有什么区别|AT&T是哪国公司¶
“十四五”规划纲要（草案）全文公布|李开复、王小川、张一鸣谁更懂AI？|孙悟空大闹天宫|王菲和谢霆锋又复合了吗|欧阳娜娜大提琴演奏会门票¶
阿尔法狗战胜李世石|特斯拉CEO埃隆·马斯克访华|克里斯蒂亚诺·罗纳尔多|司马相如与卓文君|斯坦尼斯拉夫斯基体系|乌鲁木齐市天山区¶
上海市浦东新区世纪大道100号环球金融中心|电话：010-12345678，邮箱foo.bar@example.com|https://example.com/a?b=c&d=e#f|192.168.1.1:8080¶
1+1=2|3.14159|100%纯棉T恤|-5.5℃|50%off|10%的人|v1.2.3-rc.4|a_b_c|foo-bar|x86_64|A股大涨3.5%|B超检查|K歌之王|4S店保养|1号店¶
SIM卡|X光线|江南style|江南Style|QQ号|阿Q正传|小S|e-mail|U盘16GB|卡拉OK|维生素B12|PM2.5超标|H7N9禽流感|5G手机|3D打印|2024年11月20日¶
永和服装饰品有限公司|结婚的和尚未结婚的|他说的确实在理|这个门把手坏了，请把手拿开|下雨天留客天留我不留|工信处女干事每月经过下属科室都要亲口交代24口交换机等技术性器件的安装工作¶
長江三角洲經濟發展迅速|臺灣總統府前廣場|香港特別行政區政府|機器學習與資料探勘|我愛自然語言處理|東京スカイツリーの高さ|서울특별시 강남구|Привет мир|naïve café|Ünïcödé¶
😀今天天气真好😀😀|👨‍👩‍👧‍👦一家人|é组合|字\u200b字|\ufeff开头|全角ＡＢＣ１２３％|ａ　ｂ|𠀀𠀁古字|㐀㐁|龥龦鿕鿖|々〇|①②③|Ⅳ|½杯|٣٤٥ 三|a٣.٤%¶
\t制表\t符|换\r\n行|换\n行|\r\r\n\n|  两个  空格  |\u3000全角\u3000空格|a\u00a0b|\x1c\x1d\x1e\x1f|\x00\x01|\u2028\u2029|\u180e|\x85|\x0b\x0c|...|%%%|+++|a.b.c|1.2.3%4|.5|5.|5.%|a.5%b|%5|#1|&|_-_|c++11|C#8.0¶
"""

# Characters of every kind that a rule, or the absence of one, is about.
ODD = list(" \t\r\n\x0b\x0c\x1c\x1f\x85\xa0\u1680\u2003\u2028\u202f\u205f\u3000\u200b\u180e\ufeff\x00\x7f"
           "+#&._%-,;:!?/\\()[]{}<>=*^~`'\"@$|，。、；：？！…—·“”‘’（）《》【】￥％＃"
           "éüñßøæğčЖяαγωカナひら한글ابתไท٣५Ⅳ½①々〇∶㐀䶵\u9fd6\u9fff\uf900"
           "\u0301\u0308\u20dd\ufe0f\u200d😀👍🏽🇨🇳𠀀𪛖𐍈") + ["\r\n"]
LATIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎"


class Maker:
    """Makes texts from jieba's own words and characters, and from everything between them."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        jieba.initialize()
        freq = jieba.dt.FREQ
        self.words = [w for w, n in freq.items() if n]
        self.common = [w for w in self.words if freq[w] > 500]
        self.prefixes = [w for w, n in freq.items() if not n]
        self.chars = sorted({c for w in self.words for c in w})

    def han(self):
        return chr(self.rng.randint(0x4E00, 0x9FD5))

    def name(self):
        return self.rng.choice(SURNAMES) + "".join(self.rng.choice(self.chars) for _ in range(self.rng.randint(1, 2)))

    def number(self):
        r = self.rng
        return r.choice(["%d" % r.randint(0, 99999), "%.2f" % r.uniform(0, 100), "%d%%" % r.randint(0, 100),
                         "%.1f%%" % r.uniform(0, 9), "%d.%d.%d" % (r.randint(0, 9), r.randint(0, 9), r.randint(0, 9)),
                         "-%d" % r.randint(0, 9), "%de%d" % (r.randint(1, 9), r.randint(1, 9))])

    def latin(self):
        return "".join(self.rng.choice(LATIN + DIGITS * 2 + "+#&._%-") for _ in range(self.rng.randint(1, 9)))

    def text(self):
        r = self.rng
        kinds = r.choice(["common", "common", "words", "names", "prefixes", "chars", "mixed", "mixed", "noise", "any"])
        pick = {
            "common": lambda: r.choice(self.common if r.random() < 0.9 else list("，。的了是 ")),
            "words": lambda: r.choice(self.words),
            "names": lambda: self.name() if r.random() < 0.5 else r.choice(self.common),
            "prefixes": lambda: r.choice(self.prefixes) if r.random() < 0.7 else r.choice(self.chars),
            "chars": lambda: r.choice(self.chars) if r.random() < 0.8 else self.han(),
            "mixed": lambda: r.choice([lambda: r.choice(self.common), self.latin, self.number, self.name,
                                       lambda: r.choice(ODD), lambda: " "])(),
            "noise": lambda: r.choice([lambda: r.choice(ODD), lambda: r.choice(LATIN + DIGITS), self.han])(),
            "any": lambda: self.any(),
        }[kinds]
        return "".join(pick() for _ in range(r.randint(1, 16)))

    def any(self):
        c = self.rng.randint(0, 0x10FFFF if self.rng.random() < 0.2 else 0xFFFF)
        return "?" if 0xD800 <= c <= 0xDFFF else chr(c)


def written():
    """The sentences above, escapes resolved."""
    return SENTENCES.replace("¶\n", "|").split("|")


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[3] if len(sys.argv) > 3 else os.path.join(here, "..", "testdata", "lcut.jsonl.gz")
    jieba.setLogLevel(logging.WARNING)
    maker = Maker(seed)
    with open(path, "wb") as f, gzip.GzipFile(filename="", mode="wb", fileobj=f, compresslevel=9, mtime=0) as z:
        for text in written() + [maker.text() for _ in range(count)]:
            tokens = jieba.lcut(text)
            assert "".join(tokens) == text
            z.write(json.dumps(tokens, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


if __name__ == "__main__":
    main()
