plugins {
    `java-library`
}

tasks.withType<JavaCompile>().configureEach {
    options.release = 8 // nothing that Android's oldest supported version lacks
}

dependencies {
    testImplementation(libs.junit)
}
