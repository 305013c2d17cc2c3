"""The SmolVLM family: catalogue, local cache, memory and token arithmetic. No torch."""
