#!/bin/bash
# Four hosts with eight GPUs each, one worker a host:
# DATA_DIR=/shared/imagenet WORKDIR=/shared/runs/har sbatch clusters/slurm.sh
#SBATCH --job-name=elf_keras
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --requeue
#SBATCH --signal=TERM@60
set -euo pipefail

# Every worker gets the same list of hosts, and its own place in it.
worker='
hosts=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed "s/.*/\"&:2222\"/" | paste -sd,)
export TF_CONFIG="{\"cluster\": {\"worker\": [$hosts]}, \"task\": {\"type\": \"worker\", \"index\": $SLURM_PROCID}}"
exec python -m elf_keras.train "$@"
'
status=0
# When one worker ends, the others would wait for it.
srun --kill-on-bad-exit=1 bash -c "$worker" worker \
	--flagfile=experiments/imagenet_lt/har_ldam_drw.flags \
	--strategy=multi_worker --mixed_precision=bfloat16 \
	--batch_size=2048 --learning_rate=0.8 --warmup_epochs=8 \
	--data_dir="$DATA_DIR" --workdir="$WORKDIR" --resume || status=$?

# 75: stopped by SIGTERM, or a worker was lost; above 128: a signal ended one.
# All start again and resume, a hundred times at most: where one worker has
# wrong input the others end with 75, so that is tried again, too.
if [ "$status" -eq 75 ] || [ "$status" -gt 128 ]; then
	if [ "${SLURM_RESTART_COUNT:-0}" -lt 100 ]; then
		scontrol requeue "$SLURM_JOB_ID"
	fi
fi
exit "$status"
