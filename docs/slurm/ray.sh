#!/usr/bin/env bash
# One plan over the nodes of a SLURM allocation, as Ray tasks.
#   sbatch --nodes=4 docs/slurm/ray.sh PLAN.yaml
#SBATCH --job-name=ownmark-ray
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --gpus-per-node=4
#SBATCH --time=08:00:00
set -eu
plan=${1:?"usage: sbatch --nodes=4 $0 PLAN.yaml"}
shared=${OWNMARK_SHARED:-$SLURM_SUBMIT_DIR}
source "$SLURM_SUBMIT_DIR/.venv/bin/activate"
# Only who knows the token may submit work to this cluster. Nodes and driver read it from their environment.
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(32))')
export RAY_USAGE_STATS_ENABLED=0
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
port=$((20000 + SLURM_JOB_ID % 20000))
srun --nodes=1 --ntasks=1 -w "$head" ray start --head --port="$port" --include-dashboard=false --block &
sleep 20
if [ "$SLURM_NNODES" -gt 1 ]; then
    srun --nodes=$((SLURM_NNODES - 1)) --ntasks=$((SLURM_NNODES - 1)) --exclude="$head" \
        ray start --address="$head:$port" --block &
    sleep 20
fi
ownmark run "$plan" --cluster "$head:$port" --device cuda --store "$shared/.ownmark"
