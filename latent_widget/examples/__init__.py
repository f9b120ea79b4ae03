"""Small trained models that ship with the package, each with the script that trains it."""

from latent_widget.examples.digits_vae import Digits, digits
from latent_widget.examples.names_vae import Names, names

__all__ = ["Digits", "Names", "digits", "names"]
