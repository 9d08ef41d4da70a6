//go:build amd64 && !purego

#include "textflag.h"

// func gaps512(gaps []byte, idx []int32) bool
//
// The gaps before all columns but the first, less their bias. It is false when one is an escape, or below 0.
TEXT ·gaps512(SB), NOSPLIT, $0-49
	MOVQ gaps_base+0(FP), DI
	MOVQ idx_base+24(FP), SI
	MOVQ idx_len+32(FP), CX
	MOVB $0, ret+48(FP)

	MOVL         $1, AX
	VPBROADCASTD AX, Z16
	MOVL         $255, AX      // escapedGap
	VPBROADCASTD AX, Z17
	MOVL         $128, AX      // gapBias
	VPBROADCASTD AX, Z18
	INCQ         DI
	ADDQ         $4, SI
	DECQ         CX

block:
	TESTQ       CX, CX
	JLE         done
	MOVQ        $16, BX
	CMPQ        CX, BX
	CMOVQLT     CX, BX
	MOVL        $-1, AX
	BZHIL       BX, AX, AX
	KMOVW       AX, K1
	VMOVDQU32.Z (SI), K1, Z0
	VMOVDQU32.Z -4(SI), K1, Z1
	VPSUBD      Z1, Z0, Z0
	VPSUBD      Z16, Z0, Z0
	VPCMPUD     $5, Z17, Z0, K1, K2
	KORTESTW    K2, K2
	JNZ         escapes
	VPSUBD      Z18, Z0, Z0
	VPMOVDB     Z0, K1, (DI)
	ADDQ        BX, DI
	LEAQ        (SI)(BX*4), SI
	SUBQ        BX, CX
	JMP         block

done:
	MOVB $1, ret+48(FP)

escapes:
	VZEROUPPER
	RET

// func bytesOfFloats512(codes []byte, vals []float32)
//
// The integers in the values, cut to bytes.
TEXT ·bytesOfFloats512(SB), NOSPLIT, $0-48
	MOVQ codes_base+0(FP), DI
	MOVQ vals_base+24(FP), SI
	MOVQ vals_len+32(FP), CX

block:
	TESTQ       CX, CX
	JLE         done
	MOVQ        $16, BX
	CMPQ        CX, BX
	CMOVQLT     CX, BX
	MOVL        $-1, AX
	BZHIL       BX, AX, AX
	KMOVW       AX, K1
	VMOVDQU32.Z (SI), K1, Z0
	VCVTTPS2DQ  Z0, Z0
	VPMOVDB     Z0, K1, (DI)
	ADDQ        BX, DI
	LEAQ        (SI)(BX*4), SI
	SUBQ        BX, CX
	JMP         block

done:
	VZEROUPPER
	RET
