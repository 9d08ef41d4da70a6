package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// failure is what a verb that fails prints for programs.
func failure(t *testing.T, stderr string) map[string]any {
	t.Helper()
	var v map[string]map[string]any
	if err := json.Unmarshal([]byte(stderr), &v); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	e := v["error"]
	for _, field := range []string{"code", "message", "object", "hint"} {
		if _, there := e[field]; !there || len(e) != 4 || len(v) != 1 {
			t.Errorf("%v has not code, message, object and hint alone", v)
		}
	}
	return e
}

func TestErrorsAreForProgramsToo(t *testing.T) {
	shelf(t)
	ok(t, "add", "pbmc.h5ad", "samples.csv")
	ok(t, "collection", "create", "study", "pbmc.h5ad")
	for _, tt := range []struct {
		name   string
		args   []string
		exit   int
		code   string
		object string // "": none
		says   string // in message or hint
	}{
		{"no such record", []string{"show", "pbmc"}, 1, "no_record", "pbmc", "--search"},
		{"a file that is not there", []string{"add", "none.h5ad"}, 1, "not_found", "none.h5ad", "there is nothing"},
		{"a field with a typo", []string{"ls", "sufix=.h5ad"}, 1, "unknown_field", "artifact.sufix", "did you mean"},
		{"a condition that is none", []string{"ls", "artifacts", "suffix"}, 1, "invalid_argument", "suffix", "FIELD=VALUE"},
		{"one key for two files", []string{"add", "pbmc.h5ad", "samples.csv", "-k", "x"}, 1, "invalid_argument", "--key", "2 paths"},
		{"a record that is needed", []string{"rm", "--permanent", "pbmc.h5ad"}, 1, "protected", "", "1 collection has it among its artifacts"},
		{"a flag that is none", []string{"ls", "--nonsense"}, 80, "usage", "", "--nonsense"},
		{"a file of AnnData that is none", []string{"prepare", "none.h5ad"}, 1, "not_found", "none.h5ad", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, _, stderr := invoke(t, append(tt.args, "--json")...)
			e := failure(t, stderr)
			object, _ := e["object"].(string)
			if code != tt.exit || e["code"] != tt.code || !strings.HasSuffix(object, tt.object) || !strings.Contains(stderr, tt.says) {
				t.Errorf("exit code %d: %s", code, stderr)
			}
			if tt.exit != 1 {
				return // it would end the test
			}
			if _, _, plain := invoke(t, tt.args...); !strings.HasPrefix(plain, "loaderd: ") {
				t.Errorf("for people: %s", plain)
			}
		})
	}
	// What was done before it failed is told of, and nothing but the error goes where errors go.
	code, out, stderr := invoke(t, "add", "--json", "pbmc.h5ad", "none.h5ad", "-k", "cells/")
	var done []map[string]any
	if err := json.Unmarshal([]byte(out), &done); err != nil || len(done) != 1 || len(done[0]["notes"].([]any)) != 1 || code != 1 {
		t.Errorf("exit code %d: %v, %v", code, done, err)
	}
	failure(t, stderr)
}

func TestNoDaemonHasAnExitCodeOfItsOwnForProgramsToo(t *testing.T) {
	t.Setenv("LOADERD_RUNTIME_DIR", t.TempDir())
	t.Setenv("LOADERD_SOCKET", "")
	code, _, stderr := invoke(t, "status", "--json")
	if e := failure(t, stderr); code != exitNotRunning || e["code"] != "not_running" || e["object"] != nil || e["hint"] != nil {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
