import ownmark

print(ownmark.load("vit-mark").verify("released-vit"))
