"""An ordinary training script; it knows nothing of ownmark. Writes model.pt."""

import torch
from sklearn.datasets import load_digits
from torch import nn


class Net(nn.Module):
    """A small network for 8 x 8 digits."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3, padding=1), nn.Conv2d(32, 64, 3, padding=1)
        self.norm1, self.norm2 = nn.BatchNorm2d(32), nn.BatchNorm2d(64)
        self.head = nn.Linear(64 * 16, 10)

    def forward(self, x):
        """Logits [N, 10] of images [N, 1, 8, 8] in [0, 1]."""
        x = torch.relu(self.norm1(self.conv1(x)))
        x = torch.max_pool2d(torch.relu(self.norm2(self.conv2(x))), 2)
        return self.head(x.flatten(1))


def data():
    """Images [1797, 1, 8, 8] in [0, 1] and labels, shuffled; the last 400 are for testing."""
    digits = load_digits()
    order = torch.randperm(1797, generator=torch.Generator().manual_seed(1))
    images = torch.tensor(digits.images[:, None] / 16, dtype=torch.float32)
    return images[order], torch.tensor(digits.target)[order]


if __name__ == "__main__":
    torch.manual_seed(0)
    images, labels = data()
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(12):
        for batch in torch.randperm(1397).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
            optimizer.step()
    model.eval()
    accuracy = (model(images[1397:]).argmax(1) == labels[1397:]).float().mean()
    print(f"test accuracy {accuracy:.3f}")
    torch.save(model.state_dict(), "model.pt")
