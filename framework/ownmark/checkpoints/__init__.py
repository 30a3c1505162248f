"""Weights out of the files that people have. Nothing in a file is run, whatever its type.

safetensors, one file or several with an index; folders of such files
.pt .pth .ckpt .bin     torch's weights-only reader, in a process of its own with limits
TorchScript, torch.export   their tensors are read, their code is not
ONNX                    its initialisers (extra `onnx`); `OnnxAnswers` asks it as a black box
"""

from ownmark.checkpoints.answering import OnnxAnswers
from ownmark.checkpoints.read import Checkpoint, digest_of, kind_of_file, read_weights, weights_file

__all__ = ["Checkpoint", "OnnxAnswers", "digest_of", "kind_of_file", "read_weights", "weights_file"]
