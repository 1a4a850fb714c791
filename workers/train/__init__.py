"""Teach a model a business's way of answering: a LoRA adapter from a file of conversations.

``data`` reads the conversations, ``encode`` makes tokens of them, ``lora`` puts the adapter on the model,
``loop`` trains, ``checkpoint`` survives an interruption, ``card`` says how it was made, ``merge`` makes a
whole model of it. See docs/training.md.
"""
