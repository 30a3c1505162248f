#!/usr/bin/env bash
# One plan over a SLURM array, without Ray: every task runs the same command on one shared store.
#   sbatch --array=0-7 docs/slurm/array.sh PLAN.yaml
#SBATCH --job-name=ownmark
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
#SBATCH --gpus=1
#SBATCH --mem=16G
#SBATCH --time=08:00:00
#SBATCH --requeue
set -eu
plan=${1:?"usage: sbatch --array=0-7 $0 PLAN.yaml"}
shared=${OWNMARK_SHARED:-$SLURM_SUBMIT_DIR}   # a folder that all nodes see
source "$SLURM_SUBMIT_DIR/.venv/bin/activate"
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}
# A run folder each, so that nobody removes what another writes; the store is what they share.
ownmark run "$plan" --store "$shared/.ownmark" --out "$shared/runs/$(basename "$plan" .yaml)-$SLURM_ARRAY_TASK_ID"
