"""Where images and labels come from: a module a kind of data set."""
