"""What is answered to whoever asks: the documents of the API as types, which portal, pages and clients share; no behaviour."""
