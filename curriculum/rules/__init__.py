"""What every lesson and exercise must be, as rules that complain in plain sentences.

``python -m curriculum check`` prints the complaints; a test holds the repository to none, and
another feeds each rule a broken notebook and sees it complain.
"""
