"""Write a folder of spoken digits, one directory a digit: `python spoken_digits.py spoken-digits 300`.

Needs the synthesiser eSpeak NG: the program `espeak-ng`, or its library by `pip install espeakng-loader`,
which speaks the same every time.
The plan `laundering-speech-small` reads the folder.
"""

import ctypes
import itertools
import random
import shutil
import subprocess
import sys
import wave
from pathlib import Path

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ACCENTS = ("en", "en-us", "en-us-nyc", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-029")
VOICES = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5")
SPEEDS, PITCHES = (120, 150, 180, 210), (25, 40, 55, 70)  # words a minute; 0 to 99


def program(word, voice, speed, pitch, path):
    """Speak with the program."""
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "-w", str(path), word]
    subprocess.run(command, check=True)


def library():
    """A function that speaks like `program`, with the library alone."""
    from espeakng_loader import get_data_path, get_library_path

    espeak, heard = ctypes.CDLL(get_library_path()), bytearray()
    rate = espeak.espeak_Initialize(
        2, 0, get_data_path().encode(), 0
    )  # 2: samples go to the callback, no sound
    espeak.espeak_ng_SetRandSeed(ctypes.c_long(0))  # breath is noise

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
    def hear(samples, count, events):
        if samples:
            heard.extend(ctypes.string_at(samples, 2 * count))
        return 0

    def speak(word, voice, speed, pitch, path, hear=hear):
        if rate <= 0 or espeak.espeak_SetVoiceByName(voice.encode()):
            raise SystemExit(f"eSpeak NG has no voice {voice}")
        espeak.espeak_SetParameter(1, speed, 0)
        espeak.espeak_SetParameter(3, pitch, 0)
        heard.clear()
        text = word.encode()
        espeak.espeak_Synth(text, len(text) + 1, 0, 1, 0, 1, None, None)
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, rate, 0, "NONE", ""))
            file.writeframes(bytes(heard))

    espeak.espeak_SetSynthCallback(hear)
    return speak


folder, count = Path(sys.argv[1] if len(sys.argv) > 1 else "spoken-digits"), int((sys.argv[2:] or [300])[0])
speak = program if shutil.which("espeak-ng") else library()
ways = list(itertools.product(ACCENTS, VOICES, SPEEDS, PITCHES))
for digit, word in enumerate(WORDS):
    (folder / str(digit)).mkdir(parents=True, exist_ok=True)
    for accent, voice, speed, pitch in random.Random(digit).sample(ways, count):
        name = f"{accent}-{voice}-{speed}-{pitch}.wav"
        speak(word, f"{accent}+{voice}", speed, pitch, folder / str(digit) / name)
print(f"{folder}: {count} files of each of {len(WORDS)} digits")
