package harness

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Image is a container image: its reference in the cluster, and the tarball from which it was loaded.
type Image struct {
	Ref             string `json:"ref"`
	Tar             string `json:"tar"`
	CompressedBytes int64  `json:"compressedBytes"`
}

// Repository and Tag are the two parts of the reference, as the chart's values want them.
func (i Image) Repository() string {
	repository, _, _ := strings.Cut(i.Ref, ":")
	return repository
}

// Tag is what follows the repository.
func (i Image) Tag() string {
	_, tag, _ := strings.Cut(i.Ref, ":")
	return tag
}

// Images are what hack/image has built.
type Images struct {
	Operator Image `json:"operator"`
	// OperatorNext is the same operator with another version, for upgrades.
	OperatorNext Image `json:"operatorNext"`
	Runtime      Image `json:"runtime"`
	Testkit      Image `json:"testkit"`
	S3           Image `json:"versitygw"`
}

func (i Images) all() []Image { return []Image{i.Operator, i.OperatorNext, i.Runtime, i.Testkit, i.S3} }

// readImages reads the list that hack/image writes; tarballs in it lie beside it unless their path is absolute.
func readImages(path string) (Images, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Images{}, err
	}
	var images Images
	if err := json.Unmarshal(text, &images); err != nil {
		return Images{}, fmt.Errorf("%s: %w", path, err)
	}
	for _, image := range []*Image{&images.Operator, &images.OperatorNext, &images.Runtime, &images.Testkit, &images.S3} {
		if image.Ref == "" {
			return Images{}, fmt.Errorf("%s does not have all images: %s", path, text)
		}
		if image.Tar != "" && !filepath.IsAbs(image.Tar) {
			image.Tar = filepath.Join(filepath.Dir(path), image.Tar)
		}
	}
	return images, nil
}
