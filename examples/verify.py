import ownmark

print(ownmark.load("my-mark").verify("released.pt"))
