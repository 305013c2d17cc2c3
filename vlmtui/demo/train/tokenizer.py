"""The demo model's tokenizer: byte-level BPE, digits one by one, printed words letter by letter."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from vlmtui.demo.asking import NO_PICTURE, TOO_SMALL, ask
from vlmtui.demo.elsewhere import NOUNS, SYSTEM_PROMPTS
from vlmtui.demo.faces import LETTERS
from vlmtui.demo.frames import INTRO, ask_film, random_film
from vlmtui.demo.scene import random_scene
from vlmtui.demo.several import ask_album, random_album

VOCABULARY = 768
"""Tokens in all, special ones included."""

MAX_GRID = 6
"""Splitting may go up to this many rows and columns."""

END_OF_TEXT, BOS, PAD = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
FAKE, IMAGE, GLOBAL, END_OF_UTTERANCE = "<fake_token_around_image>", "<image>", "<global-img>", "<end_of_utterance>"
SPECIAL: tuple[str, ...] = (
    END_OF_TEXT, BOS, PAD, FAKE, IMAGE, GLOBAL, END_OF_UTTERANCE,
    *(f"<row_{row}_col_{column}>" for row in range(1, MAX_GRID + 1) for column in range(1, MAX_GRID + 1)),
)  # fmt: skip

_ENGLISH = """
the of and to in is that it for was on are as with they be at one have this from or had by but not what all were when
we there can an your which their said if do will each about how up out them then she many some so these would other
into has more her two like him see time could no make than first been its who now people my made over did down only
way find use may water long little very after words called just where most know get through back much before go good
new write our used me man too any day same right look think also around another came come work three word must because
does part even place well such here take why things help put years different away again off went old number great tell
men say small every found still between name should home big give air line set own under read last never us left end
along while might next sound below saw something thought both few those always looked show large often together asked
house world going want school important until form food keep children feet land side without boy once animals life
enough took sometimes four head above kind began almost live page got earth need far hand high year mother light parts
country father let night following picture being study second eyes soon times story boys since white days ever paper
hard near sentence better best across during today others however sure means knew try told young miles sun ways thing
whole hear example heard several change answer room sea against top turned learn point city play toward five using
himself usually
""".split()


def corpus(seed: int, pictures: int = 6000) -> Iterator[str]:
    """Questions and answers as the model will meet them, and ordinary English words. Capitals of printed words stay
    out, so that no two of them ever merge: printed text is read letter by letter."""
    rng = Random(seed)
    capitals = set(LETTERS)
    for index in range(pictures):
        asked = ask(random_scene(rng), rng, 6)
        if index % 4 == 0:
            asked += ask_album(random_album(rng, rng.randint(2, 4)), rng, 4)
            asked += ask_film(random_film(rng, rng.randint(4, 8)), rng, 4)
        for question in asked:
            yield question.prompt
            yield " " + question.prompt
            answer = " ".join(word for word in question.answer.split() if len(word) < 2 or not set(word) <= capitals)
            yield " " + answer
    yield from ("\nAssistant:", "\nUser:", "User:", "System: ", INTRO, " picture", " frame") * 400
    yield from (" " + TOO_SMALL, " " + NO_PICTURE, *(" " + prompt for prompt in SYSTEM_PROMPTS)) * 100
    numbers = ("two three four five six seven eight nine ten twelve sixteen twenty").split()
    for number in numbers:
        yield from (
            f" You are provided the following series of {number} frames from a 0:00:05 [H:",
            " video.\n\nFrame from 00:01:",
        ) * 100
    for word in (*NOUNS, *_ENGLISH):
        yield from (" " + word,) * 3


def train_tokenizer(seed: int = 0) -> Tokenizer:
    """A new tokenizer of `VOCABULARY` tokens; any text can be encoded with it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[AddedToken(token, normalized=False, special=True) for token in SPECIAL],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(seed), trainer)
    return tokenizer
