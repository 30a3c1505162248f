"""Mark the vision transformer that vit_train.py saved: vit-mark/ is kept, released-vit/ is given away."""

from transformers import ViTForImageClassification
from vit_train import pictures

import ownmark

images, labels = pictures()
model = ViTForImageClassification.from_pretrained("my-vit")
scheme = {"uchida": {"bits": 64, "strength": 1.0, "recipe": {"epochs": 5, "clip": 1.0}}}
mark = ownmark.mark(model, (images[:1397], labels[:1397]), scheme, test=(images[1397:], labels[1397:]))
print(mark)
mark.save("vit-mark")
mark.released.save_pretrained("released-vit")
