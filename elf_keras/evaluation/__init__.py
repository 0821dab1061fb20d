"""How good a model is: logits, answers, scores, the accuracy-cost curve."""
