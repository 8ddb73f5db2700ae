#!/bin/sh
# Makes the benchmark's voices: 16 kHz mono, eight seconds or so each, with pauses.
# Debian: apt-get install flite festival festvox-us-slt-hts espeak-ng ffmpeg
set -eu
target="$(dirname "$0")/voices"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$target"
finish() { # name, first part, second part: joined with a pause, 16 kHz mono
  ffmpeg -v error -y -i "$folder/$2.wav" -i "$folder/$3.wav" -filter_complex \
    '[0]aresample=16000,apad=pad_dur=0.6[a];[1]aresample=16000[b];[a][b]concat=n=2:v=0:a=1,loudnorm=I=-19:TP=-2,aresample=16000' \
    -map_metadata -1 -bitexact -ac 1 -c:a pcm_s16le "$target/$1.wav"
}
flite -voice awb -t 'The harbour was quiet before dawn, and the boats lay still.' "$folder/a1.wav"
flite -voice awb -t 'Then somebody shouted, and five hundred gulls rose at once.' "$folder/a2.wav"
finish flite-awb a1 a2
flite -voice rms -t 'Please open your books at page ninety four.' "$folder/r1.wav"
flite -voice rms -t 'Today we shall see how a small change in the input moves the whole result.' "$folder/r2.wav"
finish flite-rms r1 r2
espeak-ng -v en-gb+f3 -s 150 -w "$folder/e1.wav" 'My grandmother used to say: who asks, learns.'
espeak-ng -v en-gb+f3 -s 150 -w "$folder/e2.wav" 'She knew the name of every bird in the valley, and fed most of them.'
finish espeak-f3 e1 e2
for part in 1 2; do
  case $part in
  1) text='Good morning, everyone.' ;;
  2) text='Before we start, make sure that your microphone works and that you can hear me well.' ;;
  esac
  echo "(voice_cmu_us_slt_arctic_hts) (utt.save.wave (utt.synth (Utterance Text \"$text\")) \"$folder/s$part.wav\")" >"$folder/s.scm"
  festival -b "$folder/s.scm"
done
finish festival-slt s1 s2
