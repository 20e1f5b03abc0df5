"""The kinds of card, one module each; ``registry`` lists them."""
