"""Linear models on words: TF-IDF with logistic regression, naive Bayes, support vector machines."""
