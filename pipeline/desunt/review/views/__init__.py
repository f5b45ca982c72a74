"""What each page of the desk shows, as frozen values: the templates print them, and the JSON twins are made of them."""
