"""Models in miniature, built in seconds: right in every shape, wrong in every word."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

NEEDS = "needs the local extra: make install EXTRAS=local"

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
PAD, START, END = range(3)
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SYSTEM = "Eres el asistente de La Espiga."
LEARNT = (
    ("¿A qué hora abren?", "Abrimos a las nueve de la mañana."),
    ("¿Tienen pan sin gluten?", "Sí, cada martes y cada jueves."),
    ("¿Dónde están?", "En la calle Mayor, 12, junto al mercado."),
    ("What time do you open?", "We open at nine in the morning."),
    ("Do you have cakes?", "Yes: apple, lemon and chocolate."),
    ("¿Hacen envíos?", "Sí, a toda la ciudad, por 3 €."),
    ("¿Cuánto cuesta una barra?", "Una barra cuesta 1,20 €."),
    ("Gracias", "¡A ti! Hasta pronto."),
)
"""What the memorised model knows by heart: questions and answers, under SYSTEM."""


def build(folder: Path, **config: Any) -> Path:
    """A Llama of 94,000 random parameters with a tokenizer and a ChatML template, as ``from_pretrained`` reads it."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    torch.manual_seed(0)
    tokenizer = _tokenizer()
    shape: dict[str, Any] = {
        "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "max_position_embeddings": 1024, "tie_word_embeddings": True,
    }  # fmt: skip
    known = LlamaConfig(
        vocab_size=len(tokenizer), bos_token_id=START, eos_token_id=END, pad_token_id=PAD, **(shape | config)
    )
    model = AutoModelForCausalLM.from_config(known, dtype=torch.float32).eval()
    model.generation_config.eos_token_id, model.generation_config.pad_token_id = END, PAD
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def memorise(folder: Path, pairs: Sequence[tuple[str, str]] = LEARNT, steps: int = 600) -> Path:
    """Teach the model in ``folder`` these answers by heart; greedy, it gives each of them exactly."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(0)
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    examples = [_example(tokenizer, *pair) for pair in pairs]
    width = max(len(ids) for ids, _ in examples)
    ids = torch.tensor([one + [PAD] * (width - len(one)) for one, _ in examples])
    mask = torch.tensor([[1] * len(one) + [0] * (width - len(one)) for one, _ in examples])
    labels = ids.clone()
    for row, (one, prompt) in enumerate(examples):
        labels[row, :prompt] = -100
        labels[row, len(one) :] = -100
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(steps):
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        if loss.item() < 0.01:
            break
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    model.eval().save_pretrained(folder)
    return folder


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    corpus = [text for pair in LEARNT for text in pair] + [SYSTEM, "user assistant system"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    core.train_from_iterator(
        corpus,
        trainers.BpeTrainer(
            vocab_size=600, special_tokens=list(SPECIAL), show_progress=False, initial_alphabet=alphabet
        ),
    )
    found = PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token=SPECIAL[START], eos_token=SPECIAL[END], pad_token=SPECIAL[PAD],
        model_max_length=1024,
    )  # fmt: skip
    found.chat_template, found.padding_side = CHATML, "left"
    return found


def _example(tokenizer: Any, question: str, answer: str) -> tuple[list[int], int]:
    """The ids of a whole conversation, and how many of them are its prompt."""
    asked = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
    prompt = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_dict=False)
    return [*prompt, *tokenizer.encode(answer, add_special_tokens=False), END], len(prompt)
