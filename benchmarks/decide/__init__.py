"""B2: order lines decided against stock rows, by the same fold code in every contender."""
