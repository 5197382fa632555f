"""One kernel looked at from all sides: errors, borders, costs, and the calls of other libraries."""
