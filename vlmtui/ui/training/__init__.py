"""Fine-tuning from the workbench: choosing and editing a recipe, looking at what it would do, starting it."""
