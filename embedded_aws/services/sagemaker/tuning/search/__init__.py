"""How a tuning job chooses hyperparameters: AWS's strategies, by Optuna where something is to be learnt."""
