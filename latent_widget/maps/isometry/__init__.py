"""Least distorted maps of a metric into the plane: the symmetric Dirichlet energy, minimised by projected Newton steps.

`chords` turns a metric on cells into flat triangles whose sides have the geodesic lengths between neighbouring corners,
and `problem` keeps them with `weights`. `density` is the energy of one triangle as a function of its singular values;
`assembly` sums it over the mesh, with its gradient and its positive semi-definite Hessian, the stiffness. `newton`
takes the steps, each by conjugate gradients under the cosine transform of `preconditioner`, and no further than the
triangles stay positive. `levels` does so from coarse to fine lattices. Two `terms` may be added to the energy: `stress`
compares distances on the page with geodesic ones, `contact` keeps the `outline` from crossing itself.
"""
