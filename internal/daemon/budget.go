package daemon

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Budget is how much the row store may take of its disk. The zero value leaves it to the row store.
type Budget struct {
	Bytes int64 // 0: Share says it
	Share int   // per cent of what is free, what the row store holds already included
}

// units are the letters that stand for powers of 1024.
const units = "KMGTP"

// UnmarshalText reads "0" and "" (the default), "25%", and bytes: "1073741824", "1G", "1.5GiB". Units are powers of 1024,
// whatever their case.
func (b *Budget) UnmarshalText(text []byte) error {
	s := strings.ToUpper(strings.TrimSpace(string(text)))
	if s == "" {
		*b = Budget{}
		return nil
	}
	if number, ok := strings.CutSuffix(s, "%"); ok {
		share, err := strconv.Atoi(strings.TrimSpace(number))
		if err != nil || share < 1 || share > 100 {
			return fmt.Errorf("%q is no share of a disk: give 1%% to 100%%", text)
		}
		*b = Budget{Share: share}
		return nil
	}
	s = strings.TrimSuffix(s, "B")
	if s != "" && strings.HasSuffix(s, "I") && strings.IndexByte(units, s[max(0, len(s)-2)]) >= 0 {
		s = s[:len(s)-1]
	}
	factor := 1.0
	if n := len(s); n > 0 {
		if i := strings.IndexByte(units, s[n-1]); i >= 0 {
			s, factor = s[:n-1], math.Pow(1024, float64(i+1))
		}
	}
	number, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	bytes := number * factor
	if err != nil || math.IsNaN(bytes) || bytes < 0 || bytes >= math.MaxInt64 {
		return fmt.Errorf("%q is no size: give bytes, or a number with K, M, G or T as in 200G, or a share of the free space as in 25%%", text)
	}
	*b = Budget{Bytes: int64(bytes)}
	return nil
}

// MarshalText is what UnmarshalText reads.
func (b Budget) MarshalText() ([]byte, error) {
	if b.Share > 0 {
		return fmt.Appendf(nil, "%d%%", b.Share), nil
	}
	return strconv.AppendInt(nil, b.Bytes, 10), nil
}
