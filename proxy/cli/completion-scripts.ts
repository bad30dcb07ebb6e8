/** What a shell runs to complete command lines of `memobuild`: it asks `memobuild __complete`. */

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** The hidden command. It prints a candidate on each line, behind a tab what helps to choose it. */
export const COMPLETE_COMMAND = "__complete";

/** As old as bash 3.2, which macOS has. Where nothing is offered, file names are. */
const BASH = `# bash completion for memobuild
_memobuild() {
  local IFS=$'\\n'
  local candidates
  candidates=($("$1" ${COMPLETE_COMMAND} -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  COMPREPLY=("\${candidates[@]%%$'\\t'*}")
}
complete -o default -F _memobuild memobuild
`;

const ZSH = `#compdef memobuild
_memobuild() {
  local line
  local -a candidates
  for line in "\${(@f)$("\${words[1]}" ${COMPLETE_COMMAND} -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -z $line ]] && continue
    candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( $#candidates )); then
    _describe -t candidates memobuild candidates
  else
    _files
  fi
}
if [[ "\${funcstack[1]}" == _memobuild ]]; then
  _memobuild "$@"
else
  compdef _memobuild memobuild
fi
`;

const FISH = `# fish completion for memobuild
function __memobuild_complete
    set -l words (commandline -opc)
    $words[1] ${COMPLETE_COMMAND} -- $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c memobuild -f -a '(__memobuild_complete)'
`;

const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

export const completionScript = (shell: Shell): string => SCRIPTS[shell];
