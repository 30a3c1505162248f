"""Weights out of the files that people have. Nothing in a file is run, whatever its type.

safetensors, one file or several with an index; folders of such files
.pt .pth .ckpt .bin     torch's weights-only reader, in a process of its own with limits
TorchScript, torch.export   their tensors are read, their code is not
ONNX                    its initialisers (extra `onnx`); `onnx_answers` asks it as a black box
"""

from ownmark.checkpoints.read import Checkpoint, digest_of, read_weights

__all__ = ["Checkpoint", "digest_of", "read_weights"]
