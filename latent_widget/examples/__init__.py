"""Small trained models that ship with the package, each with the script that trains it."""

from latent_widget.examples.digits_vae import Digits, digits

__all__ = ["Digits", "digits"]
