"""Fine-tuning: recipes, the examples that they name, and the process that trains. Only `worker` and what it imports
load torch.
"""
