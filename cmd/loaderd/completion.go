package main

import (
	"fmt"
	"io"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// completeVerb is what the shells' functions call with the words of the line so far. It is no verb for people.
const completeVerb = "__complete"

// Run prints the function that lets a shell complete verbs, flags and names of records.
func (c *completionCmd) Run(con *console) error {
	script := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell]
	_, err := io.WriteString(con.out, fmt.Sprintf(script, completeVerb))
	return err
}

// The functions ask for candidates, one a line, with a tab and what it means behind it. A line of completeFiles asks for names of
// files too.
const (
	bashCompletion = `# loaderd in bash: put  source <(loaderd completion bash)  into ~/.bashrc
_loaderd() {
    local IFS=$'\n' cur=${COMP_WORDS[COMP_CWORD]} line
    COMPREPLY=()
    for line in $("${COMP_WORDS[0]}" %s "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null); do
        if [[ $line == :files ]]; then
            compopt -o filenames 2>/dev/null
            COMPREPLY+=($(compgen -f -- "$cur"))
        else
            COMPREPLY+=($(printf '%%q' "${line%%%%$'\t'*}"))
        fi
    done
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
    return 0
}
complete -F _loaderd loaderd
`
	zshCompletion = `#compdef loaderd
# loaderd in zsh: put  source <(loaderd completion zsh)  into ~/.zshrc, behind compinit
_loaderd() {
    local line
    local -a found
    for line in ${(f)"$(${words[1]} %s "${(@)words[2,$CURRENT]}" 2>/dev/null)"}; do
        if [[ $line == :files ]]; then
            _files
        else
            found+=("${${line%%%%$'\t'*}//:/\\:}:${line#*$'\t'}")
        fi
    done
    (( ${#found} )) && _describe -t loaderd loaderd found
}
compdef _loaderd loaderd
`
	fishCompletion = `# loaderd in fish: loaderd completion fish > ~/.config/fish/completions/loaderd.fish
function __loaderd_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] %s $words[2..-1] 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c loaderd -f -a '(__loaderd_complete)'
`
)
