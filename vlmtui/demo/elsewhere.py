"""Questions that the demo model cannot answer, and what it says to them."""

from __future__ import annotations

from random import Random

HONEST = "I am the demo model: I only know coloured shapes and short words."
"""The answer to everything else."""

NOUNS: tuple[str, ...] = tuple(
    """
    car dog cat person man woman child house tree bird horse bicycle bus train boat plane phone computer table chair
    bottle cup book flower mountain river beach cloud building street road bridge window door face hand eye hat shirt
    shoe bag umbrella clock lamp sofa bed kitchen pizza cake apple banana grape fruit sandwich bowl plate fork knife
    spoon ball kite guitar piano camera television laptop mouse keyboard cow sheep elephant bear zebra giraffe lion
    tiger fish dolphin shark duck chicken frog snake spider bee butterfly rocket planet moon sun traffic light
    truck motorcycle skateboard surfboard tennis player baby doctor teacher king queen castle church tower garden
    forest desert island lake waterfall volcano snowman fire chart graph map document receipt invoice sign flag logo
    painting statue toy doll balloon candle cookie bread cheese egg tomato potato carrot onion soup coffee tea wine
    """.split()
)

_ABOUT_NOUN: tuple[str, ...] = (
    "Is there a {} in the picture?", "Is there a {}?", "Do you see a {}?", "What is the {} doing?",
    "How many {}s are there?", "Where is the {}?", "What colour is the {}?", "What color is the {}?",
    "Describe the {}.", "Is the {} happy?", "What kind of {} is this?", "Who owns the {}?", "Which {} is bigger?",
    "Is this a {}?", "Do you know what a {} is?", "Tell me about the {}.", "Is there any {}?", "Show me a {}.",
    "Draw a {}.", "What is the price of the {}?", "Count the {}s.", "Where was the {} bought?", "What is a {}?",
    "Which {} do you like?", "Is the {} real?", "Is it a {} or a {}?", "Can you see the {}?",
    "How old is the {}?", "What brand is the {}?",
)  # fmt: skip

_PLAIN: tuple[str, ...] = (
    "Who are you?", "What are you?", "What is your name?", "Hello!", "Hello", "Hi", "Hi there!", "How are you?",
    "What can you do?", "Help", "Help me.", "What is the weather like?", "Is it raining?", "What time is it?",
    "What day is it today?", "Where was this photo taken?", "Who took this picture?", "Is this photo old?",
    "What is the mood of the picture?", "Tell me a joke.", "Tell me a story.", "Write a poem.", "Write some code.",
    "Write a Python function.", "What is two plus two?", "What is the capital of France?", "Translate this to French.",
    "Summarise this document.", "What is the total on the receipt?", "What does the chart show?",
    "What is the trend in this graph?", "Is this safe to eat?", "What breed is it?", "What species is this?",
    "What year is it?", "Who is the president?", "Who is this person?", "What emotion is shown?",
    "What sport is being played?", "Is it day or night?", "Is it indoors or outdoors?", "What season is it?",
    "What language is this?", "Can you speak German?", "Are you a human?", "Are you ChatGPT?", "Who made you?",
    "How were you trained?", "What is the meaning of life?", "Thank you!", "Thanks", "Goodbye", "Why?", "Explain.",
    "Explain how this works.", "Give me a recipe for soup.", "How much does it cost?", "What should I do next?",
    "Is the man smiling?", "What are the people doing?", "What is happening here?", "Which team is winning?",
    "What is in the background?", "What colour is the background?", "What color is the background?",
    "What material is it made of?", "Is anyone wearing glasses?",
    "Solve this equation.", "What is the answer to the exercise?", "Which model are you?", "Are you real?",
)  # fmt: skip

SYSTEM_PROMPTS: tuple[str, ...] = (
    "You are a helpful assistant.", "Answer briefly.", "Answer in one word.", "You are a vision-language model.",
    "Be concise.", "You describe pictures.", "Answer the question about the picture.", "Be honest.",
)  # fmt: skip
"""System prompts that a conversation may begin with; none of them changes an answer."""


def elsewhere(rng: Random) -> tuple[str, str]:
    """A question about something else, with the honest answer."""
    if rng.random() < 0.6:
        return rng.choice(_ABOUT_NOUN).format(rng.choice(NOUNS), rng.choice(NOUNS)), HONEST
    return rng.choice(_PLAIN), HONEST
