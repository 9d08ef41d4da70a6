package daemon

import (
	"strings"
	"testing"
)

func TestBudgetsAreBytesUnitsAndShares(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Budget
	}{
		{"", Budget{}},
		{"0", Budget{}},
		{"1048576", Budget{Bytes: 1 << 20}},
		{"1k", Budget{Bytes: 1 << 10}},
		{"200G", Budget{Bytes: 200 << 30}},
		{"200 GB", Budget{Bytes: 200 << 30}},
		{"1.5TiB", Budget{Bytes: 3 << 39}},
		{"512b", Budget{Bytes: 512}},
		{" 25% ", Budget{Share: 25}},
		{"100 %", Budget{Share: 100}},
	} {
		var got Budget
		if err := got.UnmarshalText([]byte(tt.text)); err != nil || got != tt.want {
			t.Errorf("%q is %+v, %v; want %+v", tt.text, got, err, tt.want)
		}
	}
}

func TestWhatIsNoBudgetIsNamed(t *testing.T) {
	for _, text := range []string{"-1", "all", "1X", "1GG", "G", "B", "IB", "0%", "101%", "2.5%", "NaN", "Inf", "1e300", "9999999T", "1 2"} {
		b := Budget{Bytes: 7}
		err := b.UnmarshalText([]byte(text))
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q is %+v, %v", text, b, err)
		}
		if b != (Budget{Bytes: 7}) {
			t.Errorf("%q changed the budget to %+v", text, b)
		}
	}
}

func FuzzBudget(f *testing.F) {
	for _, text := range []string{"", "12", "1.5G", "3TiB", "40%", "1I", "%", "BB"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var b, again Budget
		if b.UnmarshalText([]byte(text)) != nil {
			return
		}
		if b.Bytes < 0 || b.Share < 0 || b.Share > 100 || b.Bytes > 0 && b.Share > 0 {
			t.Fatalf("%q is %+v", text, b)
		}
		written, err := b.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalText(written); err != nil || again != b && b.Bytes < 1<<53 {
			t.Fatalf("%q is %+v, written as %q, which is %+v, %v", text, b, written, again, err)
		}
	})
}
