"""Small trained models with their data, which ship with the package; each has the script that trains it.

`digits_vae` holds handwritten digits with a Gaussian decoder, `names_vae` place names with a sequence decoder; the
scripts `train_digits` and `train_names` write the files `digits.npz` and `names.npz` that they load.
"""

from latent_widget.examples.digits_vae import Digits, digits
from latent_widget.examples.names_vae import Names, names

__all__ = ["Digits", "Names", "digits", "names"]
