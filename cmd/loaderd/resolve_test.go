package main

import (
	"strings"
	"testing"
)

func TestOfSeveralThatAreMeantOneIsTakenWhereThereIsNoDoubt(t *testing.T) {
	of := func(uid, stem string, latest bool, visibility int) record {
		return record{"uid": uid, "stem_uid": stem, "key": "k", "is_latest": latest, "visibility": visibility}
	}
	for _, tt := range []struct {
		name  string
		found []record // the best first
		doubt bool
	}{
		{"versions of one", []record{of("a1", "a", true, 0), of("a0", "a", false, 0)}, false},
		{"another in the trash", []record{of("a0", "a", true, 0), of("b0", "b", true, 2)}, false},
		{"an old version of another, whose latest has another key", []record{of("a0", "a", true, 0), of("b0", "b", false, 0)}, false},
		{"two latest", []record{of("a0", "a", true, 0), of("b0", "b", true, 0)}, true},
		{"two old versions", []record{of("a0", "a", false, 0), of("b0", "b", false, 0)}, true},
	} {
		got, err := one("k", tt.found)
		if tt.doubt != (err != nil) || !tt.doubt && got["uid"] != tt.found[0]["uid"] {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
		if tt.doubt && !strings.Contains(err.Error(), "b0") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
