"""Personal data in text: found by pattern, check digits and context, and taken out."""
