"""awsgluedq: importing it works, as scripts of Glue Studio's do; its rules are refused by name."""
