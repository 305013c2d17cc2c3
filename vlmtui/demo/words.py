"""Words and numbers that are printed in the pictures, always in capitals."""

from __future__ import annotations

from random import Random

from vlmtui.demo.faces import DIGITS, LETTERS

WORDS: tuple[str, ...] = tuple(
    """
    GO NO UP ON OFF IN OUT OK HI BUS CAR CAT DOG SUN SKY SEA ICE TEA TAXI STOP EXIT OPEN SHUT PUSH PULL HELP FIRE
    FREE SALE SHOP CAFE BANK PARK ROAD EAST WEST NORTH SOUTH LEFT RIGHT HOME GATE ZOO MAP KEY BOX CUP PEN INK RED
    BLUE GREEN PINK BLACK WHITE STAR MOON TREE FISH BIRD MILK BREAD FRUIT APPLE LEMON PLUM JAM EGG PIZZA SALT HOT
    COLD WARM COOL WIND RAIN SNOW STORM CLOUD LIGHT NIGHT DAY YEAR WEEK TIME CLOCK MUSIC SONG RADIO VIDEO PHOTO FILM
    BOOK PAGE WORD TEXT CODE DATA FILE DISK CHIP ROBOT TRAIN PLANE SHIP BOAT BIKE WHEEL ROCK SAND HILL LAKE RIVER
    BEACH HOTEL ROOM DOOR WALL LAMP CHAIR TABLE BED KING QUEEN JACK ACE GAME PLAY TEAM GOAL WIN LUCK LOVE HELLO YES
    WELL GOOD BEST NEW OLD BIG FAST SLOW QUIET VIEW ZERO ONE TWO FIVE SIX TEN MAX MIN ALPHA BETA GAMMA DELTA WAY
    JUMP QUIZ BUZZ WAX FOX BOX FLUX JOY HUG MUG VAN WEB YARN OXEN QUILT JUICE KAYAK VIVID ZEBRA EXTRA
    """.split()
)
"""Short English words; every letter occurs."""


def printed_text(rng: Random, longest: int = 5) -> str:
    """A word, a made-up word or a number of at most `longest` characters."""
    kind = rng.random()
    if kind < 0.4:
        return rng.choice([word for word in WORDS if len(word) <= longest])
    if kind < 0.7:
        return "".join(rng.choice(LETTERS) for _ in range(rng.randint(2, longest)))
    first = rng.choice(DIGITS[1:])
    return first + "".join(rng.choice(DIGITS) for _ in range(rng.randint(0, longest - 1)))
