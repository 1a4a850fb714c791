"""How much it takes for so many people: a model of the product, whose coefficients are measured on its processes."""
