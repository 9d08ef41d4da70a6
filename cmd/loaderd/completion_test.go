package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWordsThatAreCompleted(t *testing.T) {
	shelf(t)
	ok(t, "add", "pbmc.h5ad", "samples.csv")
	ok(t, "collection", "create", "study of pbmc", "pbmc.h5ad")
	for _, tt := range []struct {
		name, line string
		want       []string
	}{
		{"verbs", "l", []string{"lineage", "ls"}},
		{"all verbs but hidden ones", "", []string{"add", "cache", "collection", "completion", "describe", "head", "import", "lineage", "ls", "prepare", "restore", "rm", "serve", "show", "status",
			"stop", "version", "versions"}},
		{"verbs of a verb", "collection ", []string{"append", "create"}},
		{"flags, those of the registry too", "lineage --", []string{"--help", "--json", "--most", "--socket", "--svg", "--using"}},
		{"values of a flag", "head --join ", []string{"inner", "none", "outer"}},
		{"a file for a flag", "lineage --svg p", []string{":files"}},
		{"nothing for a flag of any text", "add --key ", nil},
		{"an argument behind a flag and its value", "add --key x ", []string{":files"}},
		{"an argument behind a flag without one", "ls --json su", []string{"suffix="}},
		{"kinds and fields", "ls u", []string{"ulabels", "ulabels__", "uid=", "updated_at=", "users"}},
		{"records by their keys", "show pbmc.", []string{"pbmc.h5ad"}},
		{"records by their names", "rm study", []string{"study of pbmc"}},
		{"members, or files", "collection create x sam", []string{":files", "samples.csv"}},
		{"words of an enumeration", "completion ", []string{"bash", "fish", "zsh"}},
		{"nothing where nothing fits", "show nothing", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for line := range strings.Lines(ok(t, append([]string{completeVerb}, strings.Split(tt.line, " ")...)...)) {
				word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
				got = append(got, word)
			}
			slices.Sort(got)
			slices.Sort(tt.want)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestACompletionStartsNoDaemon(t *testing.T) {
	t.Setenv("LOADERD_RUNTIME_DIR", t.TempDir())
	t.Setenv("LOADERD_SOCKET", "")
	if out := ok(t, completeVerb, "show", "x"); out != "" {
		t.Errorf("it knows of %q", out)
	}
	if code, _, _ := invoke(t, "status"); code != exitNotRunning {
		t.Errorf("there is a daemon, exit code %d", code)
	}
}

// TestShellsCompleteThroughTheirFunctions runs each shell that is installed, with a loaderd that gives the words back that it gets.
func TestShellsCompleteThroughTheirFunctions(t *testing.T) {
	dir := t.TempDir()
	fake := "#!/bin/sh\nprintf 'one\\ta word\\ntwo=\\tanother\\n'\nshift\nprintf '%s\\n' \"$*\" > " + filepath.Join(dir, "words") + "\n"
	if err := os.WriteFile(filepath.Join(dir, "loaderd"), []byte(fake), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ shell, ask string }{
		{"bash", `COMP_WORDS=(loaderd show a\ b ""); COMP_CWORD=3; _loaderd; printf '%s\n' "${COMPREPLY[@]}"`},
		{"zsh", `_describe() { print -l -- $found }; words=(loaderd show 'a b' ''); CURRENT=4; _loaderd`},
		{"fish", `complete -C "loaderd show 'a b' "`},
	} {
		t.Run(tt.shell, func(t *testing.T) {
			shell, err := exec.LookPath(tt.shell)
			if err != nil {
				t.Skip("it is not installed")
			}
			function := ok(t, "completion", tt.shell)
			if tt.shell == "zsh" {
				function = "compdef() { : }\n" + function
			}
			script := filepath.Join(dir, tt.shell)
			if err := os.WriteFile(script, []byte(function+tt.ask+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), shell, script)
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, want := range []string{"one", "two="} {
				if !strings.Contains(string(out), want) {
					t.Errorf("it offers %q", out)
				}
			}
			if words, err := os.ReadFile(filepath.Join(dir, "words")); err != nil || string(words) != fmt.Sprintln("show a b ") {
				t.Errorf("it asks for %q, %v", words, err)
			}
		})
	}
}
