"""How this terminal shows pictures, and the escape sequences that make it do so. Our own, no Pillow, no numpy."""
