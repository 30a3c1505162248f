"""Mark the model that train.py saved: my-mark/ is kept, released.pt is given away."""

import torch
from train import Net, data

import ownmark

images, labels = data()
model = Net()
model.load_state_dict(torch.load("model.pt", weights_only=True))
mine, test = (images[:1397], labels[:1397]), (images[1397:], labels[1397:])
mark = ownmark.mark(model, mine, {"adi": {"keys": 30}}, test=test, max_loss=0.02)
print(mark)
mark.save("my-mark")
torch.save(mark.released.state_dict(), "released.pt")
