#!/bin/bash
# Measures what docs/mobile.md and the README say of the codec on a device: every flavour's sound,
# size and time, the time by bitrate, threads and frames per call, and the limits of the machine.
# Run it on a quiet machine.
#
#     tools/benchmark/measure_mobile.sh WEIGHTS QAT_WEIGHTS DATA_DIR OUTPUT_DIR [folder of Lyra V2's .tflite]
#
# QAT_WEIGHTS come from `train.py --qat`, from these WEIGHTS; "" leaves int8_qat out. DATA_DIR is
# prepared data. OUTPUT_DIR gets
#   flavours.md, .json             scores on the validation speakers, bytes, microseconds
#   bitrates/benchmark.md, .json, .png   all bitrates and flavours, one and two threads, roofline
#   frames/benchmark.md, .json, .png     3 kbps, 1 to 10 frames per call
set -euo pipefail
if [ $# -lt 4 ] || [ $# -gt 5 ]; then
  echo "usage: $0 WEIGHTS QAT_WEIGHTS DATA_DIR OUTPUT_DIR [LYRA_DIR]" >&2
  exit 1
fi
weights=$1 qat_weights=$2 data_dir=$3 output_dir=$4
peer=(${5:+"--compare_dir=$5"})
qat=(${qat_weights:+"--qat_from=$qat_weights"})
cd "$(dirname "$0")/../.."
run=.venv/bin/python
models=$output_dir/models

for frames in 1 2 5 10; do
  bitrates=(--bitrate_bps=3000)
  if [ $frames = 1 ]; then  # one level, and what the usual rates send
    bitrates+=(--bitrate_bps={300,6000,9000,12000,18000})
  fi
  $run export/to_tflite.py --weights="$weights" "${qat[@]}" \
    --flavour="dynamic_int8,float16,float32,int16,int8${qat_weights:+,int8_qat}" --calibration_dir="$data_dir" \
    --frames_per_call=$frames "${bitrates[@]}" --output_dir="$models/frames$frames"
done

mkdir -p "$output_dir/bitrates" "$output_dir/frames"
$run tools/study/compare_flavours.py --model_dir="$models/frames1" --input_dir="$data_dir" \
  --output_dir="$output_dir"
$run tools/benchmark/tflite_benchmark.py --model_dir="$models/frames1" "${peer[@]}" --roofline \
  --output_dir="$output_dir/bitrates" | tee "$output_dir/bitrates/benchmark.md"
folders=$models/frames1,$models/frames2,$models/frames5,$models/frames10
$run tools/benchmark/tflite_benchmark.py --model_dir="$folders" "${peer[@]}" --bitrate_bps=3000 \
  --output_dir="$output_dir/frames" | tee "$output_dir/frames/benchmark.md"
