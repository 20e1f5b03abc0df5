"""Interactive cards: making, acting, reading and closing them."""
