// Learning tests
