# bash completion for leadfit(1)

_leadfit()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
	local globals="--server --ca --cert --cert-key --token-file --timeout --output --color --help"
	local commands="score batch profile convert decisions audit rubric backup retention jobs call health version token help"
	local i word command="" second="" expects=""
	COMPREPLY=()

	# Words of the command line before the cursor that are neither options nor their values.
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ -n $expects ]]; then
			[[ $word == "=" ]] && continue
			expects=""
			continue
		fi
		case $word in
		--list | --decisions-only | --latest | --all-rubrics | --accepted | --overridden | --small-too | --excel | --help | --what-if | --rank-table | --ignore-undeclared | --strict | --all | --check | --write | --force | -h) ;;
		--resume | --cross | --full) ;;
		--yes | --dry-run | --allow-under-six-months | --no-wait) ;;
		--*) expects=yes ;;
		*)
			if [[ -z $command ]]; then
				command=$word
			elif [[ -z $second ]]; then
				second=$word
			fi
			;;
		esac
	done

	[[ $previous == "=" ]] && previous=${COMP_WORDS[COMP_CWORD-2]}
	[[ $current == "=" ]] && current=""
	case $previous in
	--output)
		if [[ $command == batch ]]; then
			COMPREPLY=($(compgen -W "json csv" -- "$current"))
		elif [[ -z $command ]]; then
			COMPREPLY=($(compgen -W "table json csv" -- "$current"))
		else
			COMPREPLY=($(compgen -W "table json" -- "$current"))
		fi
		return
		;;
	--color) COMPREPLY=($(compgen -W "auto always never" -- "$current")); return ;;
	--detail) COMPREPLY=($(compgen -W "top all" -- "$current")); return ;;
	--result) COMPREPLY=($(compgen -W "1 2 3 4 5" -- "$current")); return ;;
	--roles) COMPREPLY=($(compgen -W "read score read,score read,rubric admin" -- "$current")); return ;;
	--kind) COMPREPLY=($(compgen -W "recorded counted" -- "$current")); return ;;
	--format) COMPREPLY=($(compgen -W "ndjson csv" -- "$current")); return ;;
	--outcome) COMPREPLY=($(compgen -W "RECOMMENDED TOO_CLOSE INSUFFICIENT_EVIDENCE NO_ELIGIBLE_CANDIDATE" -- "$current")); return ;;
	--project | --team)
		if [[ $command != decisions && $command != audit && $second != backtest ]]; then
			compopt -o filenames 2>/dev/null
			COMPREPLY=($(compgen -f -- "$current"))
		fi
		return
		;;
	--ca | --cert | --cert-key | --token-file | --token-out | --out | --svg | --csv | --groups | --proof | --checkpoint)
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -f -- "$current"))
		return
		;;
	--key)
		[[ $command == decisions ]] || return
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -f -- "$current"))
		return
		;;
	--columns | --from | --publish | --run-id | --shard | --wait) return ;;
	--server | --timeout | --rubric | --candidate | --as-of | --team-id | --date-format | --since | --until | --limit | --digest | --sweep | --points | --trait | --lead | --by | --reason | --keep-months | --unknown | --caller | --method) return ;;
	esac

	if [[ $current == -* ]]; then
		case "$command $second" in
		"score "*) globals+=" --team --project --rubric --candidate --as-of --what-if --detail --rank-table --ignore-undeclared --key --strict --sweep --points --svg --team-id --date-format" ;;
		"batch "*) globals+=" --cross --full --columns --out --run-id --shard --wait --rubric --as-of --what-if --detail --rank-table --ignore-undeclared" ;;
		"profile "*) globals+=" --project --team --rubric --ignore-undeclared --team-id --date-format" ;;
		"convert "*) globals+=" --rubric --team-id --date-format --ignore-undeclared" ;;
		"decisions list") globals+=" --team --project --candidate --rubric --outcome --since --until --limit --all" ;;
		"decisions show") globals+=" --rank-table" ;;
		"decisions outcome") globals+=" --accepted --overridden --lead --by --reason --result" ;;
		"decisions report") globals+=" --team --project --candidate --rubric --outcome --since --until --svg" ;;
		"audit access") globals+=" --caller --method --kind --since --until" ;;
		"audit impact") globals+=" --groups --unknown --team --project --candidate --rubric --outcome --since --until --small-too --csv --excel --svg" ;;
		"decisions prove") globals+=" --proof --key" ;;
		"decisions verify-proof") globals+=" --key" ;;
		"decisions verify") globals+=" --checkpoint --key" ;;
		"decisions export") globals+=" --team --project --candidate --rubric --outcome --since --until --decisions-only --format --columns --excel --resume" ;;
		"decisions erase") globals+=" --candidate --reason --yes --no-wait" ;;
		"retention "*) globals+=" --keep-months --allow-under-six-months --dry-run --yes --no-wait" ;;
		"decisions watch") globals+=" --team --project --candidate --rubric --outcome --since --until --decisions-only --from --publish" ;;
		"decisions replay") globals+=" --team --project --candidate --rubric --outcome --since --until --decisions-only" ;;
		"rubric backtest") globals+=" --team --project --candidate --rubric --outcome --since --until --all-rubrics --what-if --latest --ignore-undeclared --limit --svg" ;;
		"rubric show") globals+=" --digest" ;;
		"rubric explain") globals+=" --digest --trait --svg" ;;
		"rubric fmt") globals+=" --check --write --force" ;;
		"rubric test") globals+=" --digest" ;;
		"rubric activate") globals+=" --rubric" ;;
		"rubric put") globals+=" --activate" ;;
		"call "*) globals+=" --list" ;;
		"token "*) globals+=" --roles --token-out" ;;
		esac
		COMPREPLY=($(compgen -W "$globals" -- "$current"))
		return
	fi

	case "$command $second" in
	"batch "* | "convert "*)
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -f -- "$current"))
		;;
	" ") COMPREPLY=($(compgen -W "$commands" -- "$current")) ;;
	"decisions " | "help decisions") COMPREPLY=($(compgen -W "list show outcome report replay prove verify verify-proof export watch erase" -- "$current")) ;;
	"jobs " | "help jobs") COMPREPLY=($(compgen -W "list show" -- "$current")) ;;
	"audit " | "help audit") COMPREPLY=($(compgen -W "access impact" -- "$current")) ;;
	"rubric " | "help rubric") COMPREPLY=($(compgen -W "check explain list show test put activate deactivate default history backtest diff fmt weights" -- "$current")) ;;
	"help ") COMPREPLY=($(compgen -W "$commands" -- "$current")) ;;
	"decisions verify-proof" | "decisions export" | "rubric check" | "rubric explain" | "rubric test" | "rubric put" | "rubric activate" | "rubric backtest" | "rubric diff" | "rubric fmt" | "rubric weights")
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -f -- "$current"))
		;;
	"call ") COMPREPLY=($(compgen -W "leadfit.v1.Audit/Checkpoint leadfit.v1.Audit/Prove leadfit.v1.Audit/Consistency leadfit.v1.Audit/Verify
		leadfit.v1.Audit/Replay leadfit.v1.Audit/ListAccess leadfit.v1.Rubrics/Check leadfit.v1.Rubrics/Test leadfit.v1.Rubrics/Put
		leadfit.v1.Rubrics/Activate leadfit.v1.Rubrics/Deactivate leadfit.v1.Rubrics/SetDefault leadfit.v1.Rubrics/History leadfit.v1.Rubrics/Backtest leadfit.v1.Rubrics/Get
		leadfit.v1.Rubrics/List leadfit.v1.Scoring/Score leadfit.v1.Scoring/ScoreBatch leadfit.v1.Scoring/Profile
		leadfit.v1.Scoring/Sweep leadfit.v1.Decisions/Get leadfit.v1.Decisions/List leadfit.v1.Decisions/Export
		leadfit.v1.Decisions/Watch leadfit.v1.Decisions/RecordOutcome leadfit.v1.Decisions/ListOutcomes leadfit.v1.Keeping/Erase leadfit.v1.Keeping/Prune
		leadfit.v1.Keeping/Vacuum leadfit.v1.Keeping/StartErase leadfit.v1.Keeping/StartPrune leadfit.v1.Keeping/Backup leadfit.v1.Jobs/Get leadfit.v1.Jobs/List leadfit.v1.Describe/Describe leadfit.v1.Metrics/Read
		grpc.health.v1.Health/Check grpc.health.v1.Health/Watch
		grpc.reflection.v1.ServerReflection/ServerReflectionInfo
		grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo" -- "$current")) ;;
	"health ") COMPREPLY=($(compgen -W "leadfit.v1.Scoring leadfit.v1.Decisions leadfit.v1.Rubrics" -- "$current")) ;;
	esac
}
complete -F _leadfit leadfit
