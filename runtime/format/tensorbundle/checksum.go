package tensorbundle

import "hash/crc32"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is a CRC as these files store it, so that the CRC of data with CRCs in it is no strange number.
func masked(crc uint32) uint32 { return (crc>>15 | crc<<17) + 0xa282ead8 }
