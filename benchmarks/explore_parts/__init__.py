"""Parts of explore.py: the page in a browser, the server that is asked, and a training that a page follows."""
