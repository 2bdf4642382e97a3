"""Files of tables: found, read in every format, written whole or not at all."""
